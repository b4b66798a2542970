// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdbool.h>

#if defined(__APPLE__)
#include <dns_sd.h>
#else
#include <avahi-compat-libdns_sd/dns_sd.h>
#endif

#pragma clang assume_nonnull begin

/// The functions of dns_sd that kith calls.
struct cdnssd {
    int (*socket)(DNSServiceRef);
    DNSServiceErrorType (*process)(DNSServiceRef);
    void (*deallocate)(DNSServiceRef);
    DNSServiceErrorType (*advertise)(
        DNSServiceRef _Nullable *_Nonnull, DNSServiceFlags, uint32_t interface, const char *_Nullable name,
        const char *type, const char *_Nullable domain, const char *_Nullable host, uint16_t port_in_network_order,
        uint16_t text_length, const void *_Nullable text, DNSServiceRegisterReply, void *_Nullable context);
    DNSServiceErrorType (*browse)(
        DNSServiceRef _Nullable *_Nonnull, DNSServiceFlags, uint32_t interface, const char *type,
        const char *_Nullable domain, DNSServiceBrowseReply, void *_Nullable context);
    DNSServiceErrorType (*resolve)(
        DNSServiceRef _Nullable *_Nonnull, DNSServiceFlags, uint32_t interface, const char *name, const char *type,
        const char *domain, DNSServiceResolveReply, void *_Nullable context);
    DNSServiceErrorType (*query)(
        DNSServiceRef _Nullable *_Nonnull, DNSServiceFlags, uint32_t interface, const char *name, uint16_t type,
        uint16_t class, DNSServiceQueryRecordReply, void *_Nullable context);
};

/// Gives the functions. On Linux it loads the library `name` and keeps it loaded; macOS has the functions built in, and
/// knows no name but "".
///
/// Clears `is_there` when the library, or one of the functions, is not there; then none may be called.
struct cdnssd cdnssd_load(const char *name, bool *is_there);

#pragma clang assume_nonnull end
