// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Directories that only their owner may enter.
package enum PrivateDirectory {
    /// Makes a directory and those above it that are missing, with mode 0700.
    ///
    /// Directories that exist are left as they are: they may be somebody else's.
    ///
    /// - Throws: `Errno.notDirectory` when there is something else of this name.
    package static func create(_ directory: FilePath) throws(Errno) {
        if directory.isEmpty || mkdir(directory.string, 0o700) == 0 { return }
        switch Errno(rawValue: errno) {
        case .fileExists:
            guard try Stat(directory).type == .directory else { throw .notDirectory }
        case .noSuchFileOrDirectory where directory.removingLastComponent() != directory:
            try create(directory.removingLastComponent())
            if mkdir(directory.string, 0o700) == 0 { return }
            let failure = Errno(rawValue: errno)
            if failure != .fileExists { throw failure }  // another process may have been faster
        case let failure: throw failure
        }
    }
}
