// SwiftPM names the entry point of an executable target after the target, so libFuzzer's own main is
// not found. Each of these hands over to libFuzzer, as its main does.
#include "CFuzzMain.h"

#include <stddef.h>
#include <stdint.h>

extern int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*test)(const uint8_t *, size_t));
extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t count);

#define ENTRY(name)                                                         \
    int name(int count, char **arguments);                                  \
    int name(int count, char **arguments) {                                 \
        return LLVMFuzzerRunDriver(&count, &arguments, LLVMFuzzerTestOneInput); \
    }

ENTRY(FuzzHTTP_main)
ENTRY(FuzzJSON_main)
ENTRY(FuzzNative_main)
ENTRY(FuzzTopsort_main)
ENTRY(FuzzGowit_main)
ENTRY(FuzzKevel_main)
ENTRY(FuzzVtex_main)
ENTRY(FuzzImpact_main)
