// SPDX-License-Identifier: Apache-2.0

/// Why a command did not do what it was asked, and what it tells the shell.
package struct CommandFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package var status: ExitStatus
    /// One sentence; empty when there is nothing to say.
    package var message: String

    package init(_ status: ExitStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }

    package var description: String { message }
}
