// SPDX-License-Identifier: Apache-2.0

import CDNSSD
import KithModel

/// One lookup: first host, port and TXT record, then the host's addresses. Lives on one thread.
///
/// dns_sd has a call that gives addresses, but Avahi's library lacks it; the records it stands for can be asked for on
/// every platform.
final class MulticastLookup {
    /// How long to wait for the addresses of one family when the other's have come.
    static let patience = Duration.milliseconds(700)

    let key: MulticastBook.Key
    private let library: cdnssd
    private var resolving: DNSSDOperation?
    private var queries: [DNSSDOperation] = []
    private var found: MulticastBook.Found?
    private(set) var completeAt: Moment?

    init(_ key: MulticastBook.Key, with library: cdnssd) throws(DNSSDError) {
        self.key = key
        self.library = library
        resolving = try .resolve(key, with: library)
    }

    var operations: [DNSSDOperation] { [resolving].compactMap { $0 } + queries }

    /// What was found, once it is complete.
    func result(at now: Moment) -> MulticastBook.Found? {
        guard let completeAt, completeAt <= now else { return nil }
        return found
    }

    /// - Returns: `false` when the lookup has failed.
    func take(_ event: DNSSDOperation.Event, at now: Moment) -> Bool {
        switch event {
        case .resolved(let host, let port, let text):
            guard found == nil, (1...65_535).contains(port) else { return found != nil }
            found = MulticastBook.Found(port: port, text: text, addresses: [])
            do throws(DNSSDError) {
                for isIPv6 in [false, true] {
                    queries.append(
                        try .addresses(of: host, interface: key.interface, isIPv6: isIPv6, with: library))
                }
            } catch {
                return false
            }
            resolving = nil
        case .address(let address, true):
            guard let addresses = found?.addresses, !addresses.contains(address),
                addresses.count < MulticastBook.maximumAddresses
            else { return true }
            found?.addresses.append(address)
            completeAt = completeAt ?? now + Self.patience
        case .address(let address, false): found?.addresses.removeAll { $0 == address }
        case .failed:
            // One family may have no address at all; the other's are worth the wait.
            return found != nil
        case .advertised, .appeared, .vanished: break
        }
        return true
    }
}
