// What a bare loop of SQLite inserts achieves: one row for each event, so many rows in a transaction, WAL.
//
//   cc -O2 -o sqlite sqlite.c -lsqlite3
//   ./sqlite DATABASE FULL|NORMAL EVENTS-PER-TRANSACTION EVENTS SECONDS LINES-FILE
//
// The events are those of LINES-FILE in turn, each with an id of its own. It ends after EVENTS or SECONDS and
// prints a JSON object. `log_cpu_seconds` is all of this thread: there is nothing beside the inserts.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES_MAX = 8192, LINE_BYTES_MAX = 2048, ID_START = 31, ID_DIGITS = 12 };

static char lines[LINES_MAX][LINE_BYTES_MAX];
static int lengths[LINES_MAX];

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static uint64_t next_random(void) {
    static uint64_t state = 11;
    uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

static void check(int code, sqlite3 *database, const char *what) {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    fprintf(stderr, "sqlite: %s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

static void execute(sqlite3 *database, const char *sql) {
    check(sqlite3_exec(database, sql, NULL, NULL, NULL), database, sql);
}

static int read_lines(const char *path) {
    FILE *file = fopen(path, "r");
    int count = 0;
    while (file && count < LINES_MAX && fgets(lines[count], LINE_BYTES_MAX, file)) {
        lengths[count] = strlen(lines[count]);
        count++;
    }
    if (file) fclose(file);
    return count;
}

int main(int argc, char **argv) {
    int known = argc == 7 ? read_lines(argv[6]) : 0;
    if (known == 0) {
        fprintf(stderr, "usage: sqlite DATABASE FULL|NORMAL EVENTS-PER-TRANSACTION EVENTS SECONDS LINES-FILE\n");
        return 64;
    }
    long per_transaction = atol(argv[3]), events = atol(argv[4]);
    sqlite3 *database;
    check(sqlite3_open(argv[1], &database), database, "open");
    execute(database, "PRAGMA journal_mode = WAL");
    execute(database, strcmp(argv[2], "NORMAL") ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    execute(database, "CREATE TABLE event (number INTEGER PRIMARY KEY, line TEXT NOT NULL)");
    sqlite3_stmt *begin, *insert, *commit;
    sqlite3_prepare_v2(database, "BEGIN", -1, &begin, NULL);
    sqlite3_prepare_v2(database, "COMMIT", -1, &commit, NULL);
    check(sqlite3_prepare_v2(database, "INSERT INTO event (line) VALUES (?)", -1, &insert, NULL), database, "insert");

    double started = seconds(CLOCK_MONOTONIC), end = started + atof(argv[5]);
    double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    long done = 0, commits = 0, bytes = 0;
    while (done < events && seconds(CLOCK_MONOTONIC) < end) {
        check(sqlite3_step(begin), database, "begin");
        sqlite3_reset(begin);
        for (long i = 0; i < per_transaction; i++) {
            char *line = lines[done % known];
            int length = lengths[done % known];
            uint64_t id = next_random();
            for (int digit = 0; digit < ID_DIGITS; digit++)
                line[ID_START + digit] = "0123456789abcdef"[id >> (4 * digit) & 15];
            sqlite3_bind_text(insert, 1, line, length, SQLITE_STATIC);
            check(sqlite3_step(insert), database, "insert");
            sqlite3_reset(insert);
            bytes += length;
            done++;
        }
        check(sqlite3_step(commit), database, "commit");
        sqlite3_reset(commit);
        commits++;
    }
    double elapsed = seconds(CLOCK_MONOTONIC) - started;
    cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    sqlite3_finalize(begin);
    sqlite3_finalize(insert);
    sqlite3_finalize(commit);
    check(sqlite3_close(database), database, "close");
    printf("{\"events\":%ld,\"seconds\":%f,\"bytes\":%ld,\"commits\":%ld,\"log_cpu_seconds\":%f}\n", done, elapsed,
           bytes, commits, cpu);
    return 0;
}
