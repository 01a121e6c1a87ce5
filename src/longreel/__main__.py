"""`python -m longreel`: the command line."""

from longreel.cli import run

if __name__ == "__main__":
    run()
