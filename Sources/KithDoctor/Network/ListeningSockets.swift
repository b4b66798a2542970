// SPDX-License-Identifier: Apache-2.0

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
