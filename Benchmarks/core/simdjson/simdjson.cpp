// The bare cost of a DOM: simdjson's parser, kept between documents, over the bodies in FILE (one to a line),
// each with the padding it asks for. Nothing of the document is read.
//
//   c++ -O3 -DNDEBUG -o simdjson simdjson.cpp -lsimdjson && ./simdjson FILE EVENTS
//
// The library chooses its kernel for the processor when it starts; its name is in what is printed.
#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

static long long thread_nanoseconds() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

static std::vector<simdjson::padded_string> bodies;
static simdjson::dom::parser parser;

// Parses so many bodies; ends the program when one is not JSON.
static void run(long events) {
    for (long i = 0; i < events; i++) {
        simdjson::dom::element document;
        if (parser.parse(bodies[i % bodies.size()]).get(document)) {
            fprintf(stderr, "simdjson: a body is not JSON\n");
            exit(1);
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: simdjson FILE EVENTS\n");
        return 64;
    }
    std::ifstream file(argv[1]);
    size_t bytes = 0;
    for (std::string line; std::getline(file, line);) {
        bytes += line.size();
        bodies.emplace_back(line);
    }
    long events = atol(argv[2]);
    if (bodies.empty() || events < 1) return 1;
    run(1000);
    long long before = thread_nanoseconds();
    run(events);
    double perEvent = double(thread_nanoseconds() - before) / events;
    printf("{\"events\":%ld,\"ns_per_event\":%f,\"bytes_per_event\":%zu,\"kernel\":\"%s\"}\n", events, perEvent,
           bytes / bodies.size(), simdjson::get_active_implementation()->name().c_str());
}
