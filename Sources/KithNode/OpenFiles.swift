// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many files and sockets this process may have open.
///
/// Shells give 1,024, which is spent by 500 answers under way: each has a connection to its client and one to its engine.
enum OpenFiles {
    /// Enough for all clients that a listener takes, and their upstream connections; macOS refuses more than 10,240.
    static let wanted: rlim_t = 10_240

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif

    struct Limit: Hashable, Sendable {
        var soft: rlim_t
        var hard: rlim_t

        /// What the soft limit is to become; `nil` when it may stay.
        var raised: rlim_t? {
            let reachable = min(OpenFiles.wanted, hard)
            return soft < reachable ? reachable : nil
        }
    }

    /// Raises this process's soft limit as far as the process is allowed to.
    ///
    /// - Returns: the limit before and after; `nil` when it was high enough, or could not be changed.
    static func raiseLimit() -> (before: rlim_t, after: rlim_t)? {
        var limits = rlimit()
        guard getrlimit(resource, &limits) == 0 else { return nil }
        let before = limits.rlim_cur
        guard let raised = Limit(soft: before, hard: limits.rlim_max).raised else { return nil }
        limits.rlim_cur = raised
        return setrlimit(resource, &limits) == 0 ? (before, raised) : nil
    }
}
