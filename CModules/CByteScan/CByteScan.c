// Everything is inline in the header; this file makes the module a library, and has the header
// compiled once as plain C with all warnings.
#include "CByteScan.h"
