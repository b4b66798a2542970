// SPDX-License-Identifier: Apache-2.0

#pragma once

#if defined(__APPLE__)
#include <dns_sd.h>
#else
#include <avahi-compat-libdns_sd/dns_sd.h>
#endif
