// SPDX-License-Identifier: Apache-2.0

import CDNSSD

/// Why there is no multicast DNS, with what mends it.
enum DNSSDError: Error, Hashable, CustomStringConvertible {
    case libraryAbsent
    case daemonAway
    case refused
    case failed(Int32)

    init(code: DNSServiceErrorType) {
        // Avahi's library says "unknown" for every way in which its daemon cannot be reached.
        switch Int(code) {
        case kDNSServiceErr_Unknown, kDNSServiceErr_BadState, -65_563: self = .daemonAway
        case kDNSServiceErr_Refused, kDNSServiceErr_NoAuth, -65_570: self = .refused
        default: self = .failed(code)
        }
    }

    #if canImport(Darwin)
        var description: String {
            switch self {
            case .libraryAbsent: "mDNS is off: this system has no dns_sd"
            case .daemonAway:
                "mDNS is off: mDNSResponder does not answer (sudo launchctl kickstart -k system/com.apple.mDNSResponder)"
            case .refused:
                "mDNS is off: macOS refuses it; allow kith in System Settings, Privacy & Security, Local Network"
            case .failed(let code): "mDNS is off: mDNSResponder answers with error \(code)"
            }
        }
    #else
        var description: String {
            switch self {
            case .libraryAbsent:
                "mDNS is off: libdns_sd.so.1 is not installed (Debian: libavahi-compat-libdnssd1, avahi-daemon)"
            case .daemonAway:
                "mDNS is off: avahi-daemon is not running, or D-Bus is not (sudo systemctl start avahi-daemon)"
            case .refused:
                "mDNS is off: avahi-daemon refuses this program; its log (journalctl -u avahi-daemon) says why"
            case .failed(let code): "mDNS is off: avahi-daemon answers with error \(code)"
            }
        }
    #endif
}
