"""`python -m longreel`: the command line."""

from longreel.cli.main import main

if __name__ == "__main__":
    main()
