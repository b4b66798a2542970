// SPDX-License-Identifier: Apache-2.0

/// Addresses of IPv4 and IPv6, with or without a port, and of network cards.
enum NetworkAddressRule {
    static func matches(_ scan: TextScan) -> Bool {
        scan.pieces.contains { piece in
            isVersion4(piece) || isHexadecimal(piece, separator: ":") || isHexadecimal(piece, separator: "-")
        }
    }

    private static func isVersion4(_ piece: TextScan.Piece) -> Bool {
        let address = piece.prefix { $0 != "/" && $0 != ":" }
        let numbers = address.parts(at: ".")
        return numbers.count == 4 && numbers.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(\.isDigit) }
    }

    /// Times such as `10:30:15` have too few groups, and none of them is empty.
    private static func isHexadecimal(_ piece: TextScan.Piece, separator: Unicode.Scalar) -> Bool {
        let address = piece.filter { $0 != "[" && $0 != "]" }.prefix { $0 != "/" && $0 != "%" }
        let groups = address.parts(at: separator)
        guard groups.count >= 3, groups.allSatisfy({ $0.count <= 4 && $0.allSatisfy(isHexDigit) }) else { return false }
        if separator == "-" { return groups.count == 6 && groups.allSatisfy { $0.count == 2 } }
        return groups.count >= 6 || groups.dropFirst().dropLast().contains { $0.isEmpty }
    }

    private static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.isDigit || "a"..."f" ~= scalar }
}
