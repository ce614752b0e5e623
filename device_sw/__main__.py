"""`python -m device_sw` runs the same command line as `thoratrace`."""

from device_sw.cli import main

if __name__ == "__main__":
    main()
