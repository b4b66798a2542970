// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The user whose program listens at a port of this machine.
package struct ListenerOwner: Hashable, Sendable {
    /// User ids below it are those of services, which only the machine's administrator makes (systemd, `uids.gids`).
    private static let firstPerson: UInt32 = 1_000

    package var userID: UInt32
    /// `nil` when the system knows none.
    package var name: String?

    package init(userID: UInt32, name: String?) {
        self.userID = userID
        self.name = name
    }

    /// Whether prompts may go to a program of this user that nobody has named: to the node's own user and to root they are no
    /// secret, and a service that is called as the engine was made for it.
    ///
    /// - Parameters:
    ///   - engine: What the engine's own user is called.
    ///   - own: The node's user.
    package func isTrusted(asUserOf engine: String, own: UInt32) -> Bool {
        userID == own || userID == 0 || userID < Self.firstPerson && name == engine
    }
}

extension ListenerOwner: CustomStringConvertible {
    package var description: String { name.map { "user \($0)" } ?? "user \(userID)" }
}

/// Looks up who listens where on this machine.
package struct ListenerOwners: Sendable {
    /// `nil` where it cannot be known.
    package typealias Look = @Sendable (HTTPAddress) -> Set<ListenerOwner>?

    /// As Linux tells it; elsewhere nothing is known, and nothing of other machines.
    package static let onThisMachine: Look = { address in
        guard address.isOnLoopback else { return nil }
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap(SocketTable.text)
        guard !tables.isEmpty else { return nil }
        let owners = SocketTable.listeners(at: address.port, in: tables)
        // Whatever answers there without listening was put there by the administrator, such as a container's port.
        return owners.isEmpty ? nil : Set(owners.map { ListenerOwner(userID: $0, name: name(of: $0)) })
    }

    /// The user that this process runs as.
    package static var ownUser: UInt32 { getuid() }

    private static func name(of userID: UInt32) -> String? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4_096)
        guard getpwuid_r(userID, &record, &buffer, buffer.count, &found) == 0, found != nil, let name = record.pw_name
        else {
            return nil
        }
        return String(cString: name)
    }
}

/// Linux's tables of TCP sockets, as text.
enum SocketTable {
    /// Sockets that listen come first, and are few.
    private static let readLimit = 1 << 20
    private static let listening = "0A"

    /// The users whose sockets listen at a port of the loopback addresses, or of all.
    static func listeners(at port: Int, in tables: [String]) -> Set<UInt32> {
        var users: Set<UInt32> = []
        for line in tables.joined(separator: "\n").split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 9)
            guard fields.count > 7, fields[3] == listening else { continue }
            let place = fields[1].split(separator: ":")
            guard place.count == 2, Int(place[1], radix: 16) == port, reachesLoopback(place[0]),
                let user = UInt32(fields[7])
            else { continue }
            users.insert(user)
        }
        return users
    }

    /// - Parameter digits: An address as 32-bit words in this machine's order of bytes.
    private static func reachesLoopback(_ digits: Substring) -> Bool {
        let words = stride(from: 0, to: digits.count, by: 8).compactMap { start in
            UInt32(digits.dropFirst(start).prefix(8), radix: 16)
        }
        let bytes = words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
        guard let address = AddressRange(bytes: bytes) else { return false }
        return address.isLoopback || bytes.allSatisfy { $0 == 0 }
            || address.isIPv4 && bytes.suffix(4).allSatisfy { $0 == 0 }
    }

    fileprivate static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < readLimit {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
