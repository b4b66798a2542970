// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The program that listens on a port of this machine.
package struct PortHolder: Hashable, Sendable {
    package var pid: Int32
    var name: String
    /// The data folder, when it is a node that was started with one.
    var dataDirectory: String?

    package var isNode: Bool { name == "kith" }

    /// `nginx (process 712)`.
    package var words: String {
        guard isNode else { return "\(name) (process \(pid))" }
        return "another kith node (process \(pid)" + (dataDirectory.map { ", on \($0))" } ?? ")")
    }

    /// Most processes and open files that are looked at.
    private static let processLimit = 10_000
    private static let fileLimit = 4_096
    private static let tableLimit = 8 << 20

    /// - Returns: `nil` where the system does not tell, such as for programs of other users. Blocks.
    package static func find(_ port: Int) -> PortHolder? {
        #if os(Linux)
            var inodes: Set<UInt64> = []
            for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
                inodes.formUnion(ListeningSockets.inodes(in: text(table, limit: tableLimit), port: port))
            }
            guard !inodes.isEmpty, let entries = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else {
                return nil
            }
            for pid in entries.lazy.compactMap(Int32.init).prefix(processLimit) where holds(pid, inodes) {
                return PortHolder(pid)
            }
        #endif
        return nil
    }

    private init(_ pid: Int32) {
        self.pid = pid
        name = Self.text("/proc/\(pid)/comm", limit: 256).filter { !$0.isNewline }
        let arguments = Self.text("/proc/\(pid)/cmdline", limit: 65_536).split(separator: "\0").map(String.init)
        dataDirectory = arguments.firstIndex(of: "--data-dir").flatMap { index in
            arguments.indices.contains(index + 1) ? arguments[index + 1] : nil
        }
    }

    private static func holds(_ pid: Int32, _ inodes: Set<UInt64>) -> Bool {
        let folder = "/proc/\(pid)/fd"
        // Those of other users cannot be read; then the holder stays unnamed.
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return false }
        return entries.prefix(fileLimit).contains { entry in
            guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(entry)"),
                let inode = ListeningSockets.inode(of: link)
            else { return false }
            return inodes.contains(inode)
        }
    }

    private static func text(_ path: String, limit: Int) -> String {
        guard let handle = FileManager.default.contents(atPath: path) else { return "" }
        return String(decoding: handle.prefix(limit), as: UTF8.self)
    }
}

/// Reads Linux's tables of TCP sockets, `/proc/net/tcp` and `/proc/net/tcp6` (proc_net_tcp in the kernel's
/// documentation).
enum ListeningSockets {
    /// `TCP_LISTEN` of the kernel's `tcp_states.h`.
    private static let listening = "0A"

    /// - Returns: The inodes of the sockets that listen on `port`, whatever the address.
    static func inodes(in table: String, port: Int) -> Set<UInt64> {
        var found: Set<UInt64> = []
        for line in table.split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 12, omittingEmptySubsequences: true)
            guard fields.count > 9, fields[3] == listening, let colon = fields[1].lastIndex(of: ":"),
                Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port, let inode = UInt64(fields[9])
            else { continue }
            found.insert(inode)
        }
        return found
    }

    /// - Parameter link: Where an entry of `/proc/PID/fd` leads, such as `socket:[4711]`.
    static func inode(of link: String) -> UInt64? {
        guard link.hasPrefix("socket:["), link.hasSuffix("]") else { return nil }
        return UInt64(link.dropFirst(8).dropLast())
    }
}
