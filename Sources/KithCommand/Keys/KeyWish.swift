// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel
import KithNode

/// A client's key as it is asked for on a command line.
package enum KeyWish {
    /// Ten years, in seconds.
    private static let lifetimes = 1...315_360_000
    private static let longestName = 128

    /// - Parameters:
    ///   - scopes: Separated by commas; may be repeated.
    ///   - expires: `30d`; `nil` lets the key count until it is revoked.
    /// - Throws: ``CommandFailure`` with `usage`.
    package static func request(
        name: String, scopes: [String], expires: String?
    ) throws(CommandFailure) -> ControlMessage.KeyRequest {
        guard (1...longestName).contains(name.utf8.count), name.printable == name else {
            throw CommandFailure(.usage, "--name must have 1 to \(longestName) bytes and no control characters")
        }
        var wanted: Set<Scope> = []
        for text in scopes.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            wanted.insert(try scope(String(text.filter { $0 != " " })))
        }
        guard !wanted.isEmpty else { throw CommandFailure(.usage, "--scope must name at least one of \(all)") }
        var seconds: Int?
        if let expires { seconds = try Lifetime(expires, flag: "--expires", within: lifetimes).seconds }
        return ControlMessage.KeyRequest(
            name: name, scopes: Scope.allCases.filter(wanted.contains), expiresSeconds: seconds)
    }

    private static func scope(_ text: String) throws(CommandFailure) -> Scope {
        if let scope = Scope(rawValue: text.lowercased()) { return scope }
        let nearest = NameSuggestion.nearest(to: text, among: Scope.allCases.map(\.rawValue), limit: 2)
        let hint = nearest.map { "; did you mean \($0)?" } ?? "; there are \(all)"
        throw CommandFailure(.usage, "there is no scope '\(text.printable.truncated(toWidth: 40))'\(hint)")
    }

    private static var all: String { Scope.allCases.map(\.rawValue).joined(separator: ", ") }
}
