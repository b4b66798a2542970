// SPDX-License-Identifier: Apache-2.0

import KithCommand

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A program of this machine that takes the place of this process.
enum LaunchProcess {
    /// - Throws: `CommandError` when the program is not on the `PATH`.
    static func find(_ program: LaunchProgram) throws -> String {
        let folders = Terminal.environment["PATH"]?.split(separator: ":") ?? []
        let paths = folders.map { "\($0)/\(program.name)" }
        guard let path = paths.first(where: isProgram) else { throw program.missing }
        return path
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Runs the program in this process: the terminal and the exit status are its own. Returns only to throw.
    ///
    /// - Throws: `CommandError` when the program cannot be run.
    static func become(_ path: String, arguments: [String], environment: [String: String]) throws {
        // What is ignored or held back here would be so in the program as well.
        signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        let words = copies([path] + arguments)
        let variables = copies(environment.map { "\($0.key)=\($0.value)" })
        execve(path, words, variables)
        let reason = String(cString: strerror(errno))
        for pointer in words + variables { free(pointer) }
        throw CommandError(.failed, "\(path) cannot be started: \(reason)")
    }

    /// As C takes them: with a null at the end, and to be freed.
    private static func copies(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var copies: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        copies.append(nil)
        return copies
    }
}
