import Glibc

/// What the kernel knows of this process, under Prometheus' customary names, and what was built.
package struct ProcessMetrics: MetricsSource {
    private let startedMilliseconds: Int64

    /// - Parameter startedMilliseconds: since 1970.
    package init(startedMilliseconds: Int64) { self.startedMilliseconds = startedMilliseconds }

    package func collect(into writer: inout MetricsWriter) {
        writer.gauge(
            "sluice_build_info", "Always 1; the label says what was built.",
            labels: [("version", BuildInformation.version)], 1)
        writer.gauge(
            "process_start_time_seconds", "Start of the process, in seconds since 1970.",
            real: Double(startedMilliseconds) / 1000)
        writer.counter(
            "process_cpu_seconds_total", "User and system CPU time.", real: ProcessMetrics.cpuSeconds())
        if let bytes = ProcessMetrics.residentBytes() {
            writer.gauge("process_resident_memory_bytes", "Resident memory.", bytes)
        }
        if let count = ProcessMetrics.openDescriptors() {
            writer.gauge("process_open_fds", "Open file descriptors.", count)
        }
        writer.gauge(
            "process_max_fds", "Most file descriptors the process may open.", DescriptorLimit.current.soft)
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        // Safety: getrusage writes one rusage.
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// The second field of /proc/self/statm is the resident set in pages (proc_pid_statm(5)).
    private static func residentBytes() -> Int? {
        guard let bytes = try? SmallFile.read("/proc/self/statm", max: 4096) else { return nil }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * max(1, sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func openDescriptors() -> Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        // Safety: the stream is open until here and used by this thread only.
        defer { unsafe closedir(folder) }
        var count = 0
        while let entry = unsafe readdir(folder) {
            // Safety: readdir's entry is valid until its next call. "." and ".." begin with a dot.
            if unsafe entry.pointee.d_name.0 != 0x2E { count += 1 }
        }
        // One of them is the folder's own.
        return count - 1
    }
}

/// How many file descriptors the process may open.
package struct DescriptorLimit: Sendable, Equatable {
    package var soft: Int
    package var hard: Int

    package static var current: DescriptorLimit {
        var limit = rlimit()
        // Safety: getrlimit writes one rlimit.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DescriptorLimit(soft: 1024, hard: 1024)
        }
        return DescriptorLimit(soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
    }

    /// Raises the soft limit to `wanted`, as far as the hard limit allows, and returns what it is now.
    package static func raise(to wanted: Int) -> DescriptorLimit {
        let now = current
        guard now.soft < wanted else { return now }
        var limit = rlimit(rlim_cur: rlim_t(min(wanted, now.hard)), rlim_max: rlim_t(now.hard))
        // Safety: setrlimit reads one rlimit.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return current
    }
}
