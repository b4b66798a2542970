// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the operating system knows of this process, under the names that all of Prometheus' libraries use. What a system does
/// not tell is left out.
package enum ProcessFamilies {
    package static func read() -> [MetricFamily] {
        var families = [
            MetricFamily(
                "process_cpu_seconds_total", .counter, "Processor time that this process has used.", value: cpuSeconds)
        ]
        families +=
            limit.map {
                [MetricFamily("process_max_fds", .gauge, "Files that this process may have open.", value: $0)]
            } ?? []
        #if os(Linux)
            families += linux()
        #endif
        return families
    }

    private static var cpuSeconds: Double {
        var usage = rusage()
        #if canImport(Glibc)
            guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
        #else
            guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static var limit: Double? {
        var limit = rlimit()
        #if canImport(Glibc)
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return nil }
        #endif
        return Double(limit.rlim_cur)
    }

    #if os(Linux)
        private static func linux() -> [MetricFamily] {
            var families: [MetricFamily] = []
            func add(_ name: String, _ help: String, _ value: Double?) {
                if let value { families.append(MetricFamily(name, .gauge, help, value: value)) }
            }
            let stat = ProcessStat(text: text(of: "/proc/self/stat"))
            let page = Double(sysconf(Int32(_SC_PAGESIZE)))
            add(
                "process_resident_memory_bytes", "Memory that this process holds.", stat.map { $0.residentPages * page }
            )
            add("process_virtual_memory_bytes", "Addresses that this process has mapped.", stat.map(\.virtualBytes))
            add("process_start_time_seconds", "When this process began, in seconds since 1970.", startTime(stat))
            add("process_open_fds", "Files that this process has open.", openFiles)
            return families
        }

        /// The beginning of a file that the system writes.
        private static func text(of path: String) -> String {
            guard let file = fopen(path, "r") else { return "" }
            defer { fclose(file) }
            let bytes = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                count = fread(buffer.baseAddress, 1, buffer.count, file)
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        private static func startTime(_ stat: ProcessStat?) -> Double? {
            guard let stat else { return nil }
            let line = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
            guard let boot = line?.split(separator: " ").last.flatMap({ Double($0) }) else { return nil }
            return boot + stat.startTicks / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        private static var openFiles: Double? {
            guard let folder = opendir("/proc/self/fd") else { return nil }
            defer { closedir(folder) }
            var count = 0
            while readdir(folder) != nil { count += 1 }
            // Itself, its parent, and the folder that is being read.
            return Double(max(0, count - 3))
        }
    #endif
}

/// What one line of `/proc/PID/stat` says (proc(5)).
struct ProcessStat: Hashable, Sendable {
    var startTicks: Double
    var virtualBytes: Double
    var residentPages: Double

    init?(text: String) {
        // The second field is the program's name in brackets, with whatever it has in it.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ").prefix(22).map { Double($0) }
        guard fields.count == 22, let start = fields[19], let virtual = fields[20], let resident = fields[21] else {
            return nil
        }
        (startTicks, virtualBytes, residentPages) = (start, virtual, resident)
    }
}
