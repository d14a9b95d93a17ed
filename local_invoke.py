"""The command-line client, which is `client/`: `python local_invoke.py --help`."""

import sys

try:
    from client.command_line import main
except ImportError as error:
    print(f"atelier: {error}. Run `make setup` once, then .venv/bin/python local_invoke.py ...", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
