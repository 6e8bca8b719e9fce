"""
`python -m ltm` is `ltm`.
"""

from ltm.cli import main

if __name__ == "__main__":
    main()
