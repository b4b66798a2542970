// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Notices that this machine's addresses changed: a cable, another network, a tunnel that came up.
package struct InterfaceWatch: Sendable {
    static let interval = Duration.seconds(2)

    private let clock: any TimeSource
    private let survey: @Sendable () -> [InterfaceAddress]

    package init(
        clock: any TimeSource = MonotonicClock(),
        survey: @escaping @Sendable () -> [InterfaceAddress] = { InterfaceWatch.survey() }
    ) {
        self.clock = clock
        self.survey = survey
    }

    /// Runs until cancelled, and tells of all addresses whenever they differ from those before; not of the first ones.
    package func run(_ onChange: @Sendable ([InterfaceAddress]) -> Void) async {
        var known = Set(survey())
        while true {
            do { try await clock.sleep(forAbout: Self.interval) } catch {
                return
            }
            let found = survey()
            guard Set(found) != known else { continue }
            known = Set(found)
            onChange(found)
        }
    }

    /// All addresses of this machine's interfaces, in the system's order; at most 1024. Empty when the system refuses.
    package static func survey() -> [InterfaceAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: [InterfaceAddress] = []
        var next = first
        while let entry = next?.pointee, found.count < 1_024 {
            next = entry.ifa_next
            guard let name = entry.ifa_name, let address = ipAddress(entry.ifa_addr, interface: String(cString: name))
            else { continue }
            let wanted = UInt32(IFF_UP) | UInt32(IFF_RUNNING)
            found.append(
                InterfaceAddress(
                    interface: String(cString: name), address: address,
                    isRunning: UInt32(entry.ifa_flags) & wanted == wanted))
        }
        return found
    }

    private static func ipAddress(_ address: UnsafeMutablePointer<sockaddr>?, interface: String) -> IPAddress? {
        guard let address else { return nil }
        let plain = IPAddress(socketAddress: UnsafeRawPointer(address))
        return plain.flatMap { $0.isIPv6 && $0.isLinkLocal ? IPAddress(bytes: $0.bytes, zone: interface) : $0 }
    }
}
