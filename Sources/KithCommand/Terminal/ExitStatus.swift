// SPDX-License-Identifier: Apache-2.0

/// What `kith` tells the shell.
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
          3    the node cannot be reached
          4    no engine answered, or the node refused the request
          5    the answer was cut off
          64   a flag or a setting cannot be used
          130  interrupted
        """
}
