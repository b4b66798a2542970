// SPDX-License-Identifier: Apache-2.0

#include "CDNSSD.h"

#if defined(__APPLE__)

struct cdnssd cdnssd_load(const char *name, bool *is_there) {
    struct cdnssd functions = {0};
    functions.socket = DNSServiceRefSockFD;
    functions.process = DNSServiceProcessResult;
    functions.deallocate = DNSServiceRefDeallocate;
    functions.advertise = DNSServiceRegister;
    functions.browse = DNSServiceBrowse;
    functions.resolve = DNSServiceResolve;
    functions.query = DNSServiceQueryRecord;
    *is_there = name[0] == '\0';
    return functions;
}

#else

#include <avahi-common/malloc.h>
#include <dlfcn.h>
#include <stdlib.h>

static void *zeroed(size_t size) { return calloc(1, size); }

static const AvahiAllocator zeroing = {.malloc = zeroed, .free = free, .realloc = realloc, .calloc = calloc};

// Avahi's dns_sd (0.8, avahi-compat-libdns_sd/compat.c) does not set all callbacks of a new reference, and calls one that
// is not null when the daemon goes: a lookup then jumps to whatever its memory held before.
static void let_memory_begin_as_zeros(void *library) {
    void (*set_allocator)(const AvahiAllocator *) = NULL;
    *(void **)&set_allocator = dlsym(library, "avahi_set_allocator");
    if (set_allocator) set_allocator(&zeroing);
}

struct cdnssd cdnssd_load(const char *name, bool *is_there) {
    struct cdnssd functions = {0};
    // Loaded when wanted and not linked, so that kith starts where the library is not installed.
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    *is_there = false;
    if (!library) return functions;
    // Avahi's library otherwise tells the user, on stderr and in the system's log, to port the program to its own API.
    setenv("AVAHI_COMPAT_NOWARN", "1", 0);
    let_memory_begin_as_zeros(library);
    *(void **)&functions.socket = dlsym(library, "DNSServiceRefSockFD");
    *(void **)&functions.process = dlsym(library, "DNSServiceProcessResult");
    *(void **)&functions.deallocate = dlsym(library, "DNSServiceRefDeallocate");
    *(void **)&functions.advertise = dlsym(library, "DNSServiceRegister");
    *(void **)&functions.browse = dlsym(library, "DNSServiceBrowse");
    *(void **)&functions.resolve = dlsym(library, "DNSServiceResolve");
    *(void **)&functions.query = dlsym(library, "DNSServiceQueryRecord");
    *is_there = functions.socket && functions.process && functions.deallocate && functions.advertise
        && functions.browse && functions.resolve && functions.query;
    return functions;
}

#endif
