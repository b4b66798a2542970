// SPDX-License-Identifier: Apache-2.0

import KithModel
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The program's own code in memory, of which most is needed for the start and not again.
///
/// Pages of code are the kernel's copies of the program file. What is let go is read again from there when it is run, in a
/// microsecond for sixteen pages as long as the kernel has kept it; until then it may be used for something else.
enum ProgramPages {
    struct Mapping: Hashable, Sendable {
        var start: UInt
        var length: Int
    }

    private static let listLimit = 1 << 20
    /// After the services have been told to start; they do so within a few hundredths.
    private static let startLimit = Duration.seconds(1)

    static func letGoOnceStarted(clock: any TimeSource) async {
        do { try await clock.sleep(for: startLimit) } catch { return }
        letGo()
    }

    /// Lets go of all code, so that what is run from now on comes back and the rest does not. Does nothing but on Linux.
    ///
    /// Breakpoints that a debugger has written into the code go with it.
    static func letGo() {
        #if os(Linux)
            guard let list = try? readList() else { return }  // without /proc there is nothing to gain
            for code in mappings(inList: list) {
                _ = madvise(UnsafeMutableRawPointer(bitPattern: code.start), code.length, MADV_DONTNEED)
            }
        #endif
    }

    /// The mappings of files that may be run and not written, out of a list in the form of proc_pid_maps(5).
    static func mappings(inList list: String) -> [Mapping] {
        list.split(separator: "\n").compactMap { line in
            let columns = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard columns.count == 6, columns[1] == "r-xp", columns[5].drop(while: { $0 == " " }).first == "/"
            else { return nil }
            let ends = columns[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1], let length = Int(exactly: ends[1] - ends[0]) else { return nil }
            return Mapping(start: ends[0], length: length)
        }
    }

    private static func readList() throws -> String {
        let file = try FileDescriptor.open("/proc/self/maps", .readOnly)
        return try file.closeAfter {
            var list: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 16 << 10)
            while list.count < listLimit {
                let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                list += piece[..<count]
            }
            return String(decoding: list, as: UTF8.self)
        }
    }
}
