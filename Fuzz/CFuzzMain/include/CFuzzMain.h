#pragma once
// Nothing to call: the linker finds the entry points.
