// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// Why a command did not do what it was asked, and its exit status.
package struct CommandError: Error, Hashable, Sendable, CustomStringConvertible {
    package var status: ExitStatus
    /// One sentence; empty when there is nothing to say.
    package var message: String

    package init(_ status: ExitStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }

    package var description: String { message }
}

/// The exit status of `kith`.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case ok = 0
    case failed = 1
    /// The doctor found an error; ``failed`` stands for warnings there.
    case errorsFound = 2
    case nodeUnreachable = 3
    case notAnswered = 4
    case cutOff = 5
    /// `EX_USAGE` of sysexits.h; also for settings that cannot be used.
    case usage = 64
    case interrupted = 130
    /// Nobody reads the output any more, as after SIGPIPE.
    case outputClosed = 141

    /// For help texts.
    package static let explanation = """
        EXIT STATUS:
          0    done
          1    failed
          2    the doctor found an error
          3    the node cannot be reached
          4    no engine answered, or the node refused the request
          5    the answer was cut off
          64   a flag or a setting cannot be used
          130  interrupted
        """
}

/// The body of an answer with an error status.
package enum RefusalBody {
    /// The message in any of the shapes that nodes use, or the status alone.
    package static func message(status: Int, body: [UInt8]) -> String {
        let value: JSONValue
        do {
            value = try JSONBody.decode(JSONValue.self, from: body)
        } catch {
            return foreign(status)
        }
        let candidates = [
            value["error"]?["message"], value["error"], value["detail"], value["reason"], value["message"],
        ]
        guard let text = candidates.lazy.compactMap({ $0?.stringValue }).first(where: { !$0.isEmpty }) else {
            return foreign(status)
        }
        return String(text.printable.prefix(1_000))
    }

    /// All nodes say why.
    private static func foreign(_ status: Int) -> String {
        "what answers there is no node of kith (status \(status)); kith doctor says which program it is"
    }
}
