// SPDX-License-Identifier: Apache-2.0

/// Which pages of a browser or an editor may read what the bridge answers: an editor's own, and those that this machine
/// serves.
enum PageOrigin {
    /// - Parameter origin: The value of the header `Origin` (RFC 6454, section 7).
    static func isAllowed(_ origin: String) -> Bool {
        guard origin.utf8.count <= 512, let separator = origin.firstRange(of: "://") else { return false }
        let authority = origin[separator.upperBound...]
        switch origin[..<separator.lowerBound].lowercased() {
        case "vscode-webview": return !authority.isEmpty && authority.utf8.allSatisfy(isNameByte)
        case "http", "https": return isLocalhost(authority)
        default: return false
        }
    }

    /// The name alone, or with a port: nothing that only begins with it.
    private static func isLocalhost(_ authority: Substring) -> Bool {
        let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.first?.lowercased() == "localhost" else { return false }
        guard parts.count == 2 else { return true }
        let digits = parts[1].utf8
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(parts[1])
        else { return false }
        return (1...65_535).contains(port)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
