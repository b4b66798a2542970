// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which programs run on this machine, by the names of their files.
enum RunningPrograms {
    /// - Returns: Those of `names` that run; case does not matter.
    static func those(of names: [String]) -> Set<String> {
        guard !names.isEmpty else { return [] }
        let running = current()
        return Set(names.filter { running.contains($0.lowercased()) })
    }

    #if canImport(Darwin)
        private static func current() -> Set<String> {
            let count = proc_listallpids(nil, 0)
            guard count > 0 else { return [] }
            var ids = [pid_t](repeating: 0, count: Int(count) + 64)
            let filled = proc_listallpids(&ids, Int32(ids.count * MemoryLayout<pid_t>.size))
            var names: Set<String> = []
            for id in ids.prefix(Int(max(0, filled))) {
                var name = [CChar](repeating: 0, count: 256)
                guard proc_name(id, &name, UInt32(name.count)) > 0 else { continue }
                names.insert(
                    String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased())
            }
            return names
        }
    #else
        private static let longestPath = 4_096

        /// From `/proc`: the name of the first argument, where the kernel's own name for a process ends after 15 bytes.
        private static func current() -> Set<String> {
            guard let directory = opendir("/proc") else { return [] }
            defer { closedir(directory) }
            var names: Set<String> = []
            while let entry = readdir(directory) {
                let id = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard Int(id) != nil,
                    let line = try? RegularFile.readFromKernel(FilePath("/proc/\(id)/cmdline"), limit: longestPath)
                else { continue }
                let path = line.prefix { $0 != 0 }
                // Programs of Windows that Wine runs have their own form of paths.
                let name = path.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }.last ?? path
                if !name.isEmpty { names.insert(String(decoding: name, as: UTF8.self).lowercased()) }
            }
            return names
        }
    #endif
}
