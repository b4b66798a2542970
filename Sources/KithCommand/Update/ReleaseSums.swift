// SPDX-License-Identifier: Apache-2.0

/// The file `SHA256SUMS` of a release: which files it has, and what each must be.
package struct ReleaseSums: Hashable, Sendable {
    /// An archive with the program for one kind of machine.
    package struct Archive: Hashable, Sendable {
        package var name: String
        package var version: ReleaseVersion
        /// SHA-256, in hexadecimal.
        package var digest: String
    }

    package static let fileName = "SHA256SUMS"
    package static let signatureName = "SHA256SUMS.sig"
    private static let lineLimit = 1_000

    private var digests: [String: String] = [:]

    /// Reads what `sha256sum` writes; other lines are left out.
    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline).prefix(Self.lineLimit) {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].count == 64, parts[0].allSatisfy(\.isHexDigit) else { continue }
            let name = parts[1].drop { $0 == " " || $0 == "*" }
            // A name leads nowhere else.
            guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else { continue }
            digests[String(name)] = parts[0].lowercased()
        }
    }

    /// The newest archive for a kind of machine; `nil` if there is none.
    ///
    /// - Parameter machine: As `uname -m` says, such as `x86_64`.
    package func archive(for machine: String) -> Archive? {
        let end = "-linux-\(machine).tar.gz"
        return digests.compactMap { name, digest -> Archive? in
            guard name.hasPrefix("kith-"), name.hasSuffix(end),
                let version = ReleaseVersion(String(name.dropFirst(5).dropLast(end.count)))
            else { return nil }
            return Archive(name: name, version: version, digest: digest)
        }.max { $0.version < $1.version }
    }
}
