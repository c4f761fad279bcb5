"""Settings of the embedded server."""

from pathlib import Path

# Written to postgresql.conf once, where an operator may change them: a small machine shared with the program.
TUNED = {
    "shared_buffers": "128MB",
    "max_connections": "200",  # four web processes and the worker; one that is not used costs little
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",  # no spinning disk
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    # A desktop session that ends has its POSIX shared memory removed by systemd, and a container's is tiny.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# Every client session runs with this: the text of an error may quote what a person wrote. Background
# processes keep the server's default, so that a full disk still shows in the log.
SILENCE_SESSIONS = "ALTER ROLE ALL SET log_min_messages = 'log'"


def guarded(sockets: Path, logs: Path) -> dict[str, str]:
    """Return what no file and no ALTER SYSTEM may change: it is given on the command line at each start."""
    return {
        "listen_addresses": "",
        "unix_socket_directories": quoted(sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",  # only names the socket, whose folder is private
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "logging_collector": "on",
        "log_destination": "stderr",
        "log_directory": str(logs),
        "log_filename": "postgres-%Y%m%d-%H%M%S.log",
        "log_file_mode": "0600",
        "log_rotation_age": "0",
        "log_rotation_size": "10MB",
        "log_statement": "none",
        "log_duration": "off",
        "log_min_duration_statement": "-1",
        "log_min_duration_sample": "-1",
        "log_transaction_sample_rate": "0",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",  # DETAIL quotes rows, and the statement of a backend that crashed
        "debug_print_parse": "off",
        "debug_print_rewritten": "off",
        "debug_print_plan": "off",
    }


def quoted(path: Path) -> str:
    """Quote a path as one element of a list setting (a comma or a space would split it)."""
    return '"' + str(path).replace('"', '""') + '"'


def arguments(settings: dict[str, str]) -> list[str]:
    """Return settings as command-line arguments of initdb or postgres."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
