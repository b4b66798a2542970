// SPDX-License-Identifier: Apache-2.0

/// The text in which a command shows an answer to people, in contrast to `--json`.
package protocol TextReport {
    associatedtype Subject

    /// - Parameter width: Columns to fit into; `nil` cuts nothing.
    init(_ subject: Subject, width: Int?, style: TerminalStyle)

    /// Without line ends.
    var lines: [String] { get }
}
