// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The room on a disk of this machine.
package enum DiskSpace {
    /// Bytes that this user may still write on the disk of a folder; `nil` when the system does not say.
    package static func free(at folder: String) -> Int? {
        var found = statvfs()
        guard statvfs(folder, &found) == 0 else { return nil }
        let (bytes, overflow) = Int(clamping: found.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: found.f_frsize))
        return overflow ? .max : bytes
    }
}
