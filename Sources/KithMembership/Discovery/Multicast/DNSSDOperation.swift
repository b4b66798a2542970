// SPDX-License-Identifier: Apache-2.0

import CDNSSD
import KithModel

extension cdnssd {
    /// - Parameter name: The library's; empty on macOS.
    static func load(_ name: String = MulticastDiscovery.Settings.library) throws(DNSSDError) -> cdnssd {
        var isThere = false
        let functions = cdnssd_load(name, &isThere)
        guard isThere else { throw .libraryAbsent }
        return functions
    }
}

/// One question to the daemon that goes on until it is deallocated. Lives on one thread; dns_sd calls back only there.
final class DNSSDOperation {
    enum Event {
        case advertised(name: String)
        case appeared(MulticastCache.Key)
        case vanished(MulticastCache.Key)
        case resolved(host: String, port: Int, text: ServiceText)
        case address(IPAddress, isPresent: Bool)
        case failed(DNSSDError)
    }

    static let serviceType = "_kith._tcp"
    /// The most events kept between two reads of them.
    private static let maximumEvents = 4_096

    private let library: cdnssd
    private var reference: DNSServiceRef?
    private var events: [Event] = []

    private init(_ library: cdnssd) { self.library = library }

    deinit { if let reference { library.deallocate(reference) } }

    /// -1 before it has begun.
    var descriptor: Int32 { reference.map { library.socket($0) } ?? -1 }

    /// Reads what the daemon has sent. To be called when the descriptor is readable; otherwise it blocks.
    func process() -> [Event] {
        guard let reference else { return [] }
        let error = library.process(reference)
        if error != kDNSServiceErr_NoError { add(.failed(DNSSDError(code: error))) }
        return takeEvents()
    }

    func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    private func add(_ event: Event) { if events.count < Self.maximumEvents { events.append(event) } }

    private func begin(
        _ call: (UnsafeMutablePointer<DNSServiceRef?>, UnsafeMutableRawPointer) -> DNSServiceErrorType
    ) throws(DNSSDError) {
        // The callbacks' pointer to this object is used only by calls made on it while it lives.
        let error = call(&reference, Unmanaged.passUnretained(self).toOpaque())
        guard error == kDNSServiceErr_NoError, reference != nil else {
            reference = nil
            throw error == kDNSServiceErr_NoError ? .daemonAway : DNSSDError(code: error)
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> DNSSDOperation? {
        context.map { Unmanaged<DNSSDOperation>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        pointer.flatMap { String(validatingCString: $0) }
    }
}

extension DNSSDOperation {
    /// Advertises on all interfaces. A name that is taken is changed by the daemon.
    static func advertise(
        _ name: String, port: UInt16, text: [UInt8], with library: cdnssd
    ) throws(DNSSDError) -> DNSSDOperation {
        let operation = DNSSDOperation(library)
        try operation.begin { reference, context in
            library.advertise(
                reference, 0, 0, name, serviceType, nil, nil, port.bigEndian,
                UInt16(truncatingIfNeeded: text.count), text,
                { _, _, error, name, _, _, context in
                    let operation = DNSSDOperation.of(context)
                    guard error == kDNSServiceErr_NoError else {
                        operation?.add(.failed(DNSSDError(code: error)))
                        return
                    }
                    operation?.add(.advertised(name: DNSSDOperation.text(name) ?? ""))
                }, context)
        }
        return operation
    }

    /// Listens for advertisements on all interfaces.
    static func browse(with library: cdnssd) throws(DNSSDError) -> DNSSDOperation {
        let operation = DNSSDOperation(library)
        try operation.begin { reference, context in
            library.browse(
                reference, 0, 0, serviceType, nil,
                { _, flags, interface, error, name, _, domain, context in
                    let operation = DNSSDOperation.of(context)
                    guard error == kDNSServiceErr_NoError else {
                        operation?.add(.failed(DNSSDError(code: error)))
                        return
                    }
                    // A name that is not UTF-8 is none (RFC 6763, section 4.1.1).
                    guard let name = DNSSDOperation.text(name), let domain = DNSSDOperation.text(domain) else { return }
                    let key = MulticastCache.Key(interface: interface, name: name, domain: domain)
                    let isThere = flags & DNSServiceFlags(kDNSServiceFlagsAdd) != 0
                    operation?.add(isThere ? .appeared(key) : .vanished(key))
                }, context)
        }
        return operation
    }

    /// Asks for the host, the port and the TXT record of an advertisement.
    static func resolve(_ key: MulticastCache.Key, with library: cdnssd) throws(DNSSDError) -> DNSSDOperation {
        let operation = DNSSDOperation(library)
        try operation.begin { reference, context in
            library.resolve(
                reference, 0, key.interface, key.name, serviceType, key.domain,
                { _, _, _, error, _, host, port, length, bytes, context in
                    let operation = DNSSDOperation.of(context)
                    guard error == kDNSServiceErr_NoError else {
                        operation?.add(.failed(DNSSDError(code: error)))
                        return
                    }
                    guard let host = DNSSDOperation.text(host) else { return }
                    let text = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(length))
                    operation?.add(
                        .resolved(host: host, port: Int(UInt16(bigEndian: port)), text: ServiceText(record: text)))
                }, context)
        }
        return operation
    }

    /// Asks for the addresses of a host: A records, or AAAA records (RFC 1035 and RFC 3596).
    static func addresses(
        of host: String, interface: UInt32, isIPv6: Bool, with library: cdnssd
    ) throws(DNSSDError) -> DNSSDOperation {
        let operation = DNSSDOperation(library)
        try operation.begin { reference, context in
            library.query(
                reference, 0, interface, host, isIPv6 ? 28 : 1, 1,
                { _, flags, interface, error, _, _, _, length, bytes, _, context in
                    let operation = DNSSDOperation.of(context)
                    guard error == kDNSServiceErr_NoError else {
                        operation?.add(.failed(DNSSDError(code: error)))
                        return
                    }
                    let data = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(length))
                    guard let address = DNSSDOperation.address(data, heardOn: interface) else { return }
                    let isPresent = flags & DNSServiceFlags(kDNSServiceFlagsAdd) != 0
                    operation?.add(.address(address, isPresent: isPresent))
                }, context)
        }
        return operation
    }

    /// What a record holds; `nil` for a record that leads to no host, and for a loopback address that another machine
    /// claims.
    private static func address(_ data: UnsafeRawBufferPointer, heardOn interface: UInt32) -> IPAddress? {
        guard let plain = IPAddress(bytes: data), plain.isUnicast else { return nil }
        if plain.isLoopback { return InterfaceName.of(interface)?.hasPrefix("lo") == true ? plain : nil }
        guard plain.isIPv6, plain.isLinkLocal else { return plain }
        return InterfaceName.of(interface).flatMap { IPAddress(bytes: data, zone: $0) }
    }
}

/// Why there is no multicast DNS, and how to fix it.
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
