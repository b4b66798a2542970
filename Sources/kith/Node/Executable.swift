// SPDX-License-Identifier: Apache-2.0

import KithCommand

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// This program's own file, to be started again for each node.
enum Executable {
    /// - Throws: ``CommandFailure`` when the system does not say.
    static func path() throws(CommandFailure) -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        #if os(Linux)
            let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        #else
            var size = UInt32(buffer.count - 1)
            let length = _NSGetExecutablePath(&buffer, &size) == 0 ? strlen(buffer) : 0
        #endif
        guard length > 0 else { throw CommandFailure(.failed, "the system does not say where this program is") }
        return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
