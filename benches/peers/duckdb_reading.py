"""How long DuckDB takes to read a CSV file on one thread: prints seconds, the median of three.

    python duckdb_reading.py FILE ROWS ENCODING

Every cell is read as text, as orpailleur does, and all of them are looked at (the length of each is
summed), so that no column can be left out. Seconds are those of the processor. Needs `pip install duckdb`.
"""

import statistics
import sys
import time

import duckdb

file, rows, encoding = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = duckdb.connect()
connection.execute("SET threads TO 1")
options = f"all_varchar = true, header = true, encoding = '{encoding}'"
columns = [c[0] for c in connection.execute(
    f"DESCRIBE SELECT * FROM read_csv('{file}', {options})").fetchall()]
sums = ", ".join(f'sum(strlen("{c}"))' for c in columns)
seconds = []
for _ in range(3):
    started = time.process_time()
    found = connection.execute(
        f"SELECT count(*), {sums} FROM read_csv('{file}', {options})").fetchone()
    seconds.append(time.process_time() - started)
    assert found[0] == rows, f"{found[0]} rows where {rows} are right"
print(statistics.median(seconds))
