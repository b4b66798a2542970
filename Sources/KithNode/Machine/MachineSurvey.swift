// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

#if canImport(Darwin)
    import Darwin
#endif

/// How this machine is measured: what the kernel tells is read, and the tool of a maker is asked where it does not.
struct MachineSurvey: Sendable {
    /// What a program of the machine said; `nil` where there is no such program, it failed, or took too long.
    var output: @Sendable (_ program: String, _ arguments: [String]) async -> String?
    /// The folders `/proc` and `/sys`.
    var processes = "/proc"
    var system = "/sys"

    /// For one answer of a tool: a driver that hangs must not hang the node.
    private static let toolLimit = Duration.seconds(5)

    static let machine = MachineSurvey { program, arguments in
        let command = BoundedCommand(executable: program, arguments: arguments, additions: [:], limit: toolLimit)
        guard let outcome = try? await command.run(), outcome.succeeded else { return nil }
        return outcome.output
    }

    // MARK: Memory

    func memory() -> MachineFacts.Memory? {
        #if canImport(Darwin)
            // What the system counts as left before it ends programs, in percent; memory_pressure(1) shows the same.
            guard let total = Self.kernelNumber("hw.memsize"),
                let percent = Self.kernelNumber("kern.memorystatus_level")
            else { return nil }
            return MachineFacts.Memory(total: total, free: total / 100 * min(max(0, percent), 100))
        #else
            return KernelFiles.text(processes + "/meminfo", limit: 8_192).flatMap(Self.memory(inMeminfo:))
        #endif
    }

    #if canImport(Darwin)
        private static func kernelNumber(_ name: String) -> Int? {
            var value: UInt64 = 0
            var size = MemoryLayout<UInt64>.size
            // Of a number of four bytes the other half stays zero, on the byte order that all of these machines have.
            guard sysctlbyname(name, &value, &size, nil, 0) == 0 else { return nil }
            return Int(exactly: value)
        }
    #endif

    /// `MemTotal` and `MemAvailable`, in units of 1,024 bytes.
    static func memory(inMeminfo text: String) -> MachineFacts.Memory? {
        func bytes(_ name: String) -> Int? {
            let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
            guard let words = line?.split(separator: " "), words.count >= 2, let count = Int(words[1]) else {
                return nil
            }
            let (bytes, isTooMuch) = count.multipliedReportingOverflow(by: 1_024)
            return isTooMuch ? nil : bytes
        }
        guard let total = bytes("MemTotal"), total > 0, let free = bytes("MemAvailable") else { return nil }
        return MachineFacts.Memory(total: total, free: free)
    }

    // MARK: Graphics cards

    /// Those that amdgpu drives, as the kernel tells (Documentation/gpu/amdgpu).
    func kernelAccelerators() -> MachineFacts.Memory? {
        let folder = system + "/class/drm"
        let cards = KernelFiles.names(in: folder).filter {
            $0.hasPrefix("card") && $0.dropFirst(4).allSatisfy(\.isNumber)
        }
        return .sum(
            cards.compactMap { card in
                let device = "\(folder)/\(card)/device/mem_info_vram_"
                guard let total = KernelFiles.number(device + "total"), total > 0,
                    let used = KernelFiles.number(device + "used")
                else { return nil }
                return MachineFacts.Memory(total: total, free: total.saturatingSubtracting(used))
            })
    }

    /// Whether a card of NVIDIA is switched off by the kernel until somebody uses it, as in many laptops.
    func hasRestingNVIDIA() -> Bool {
        let folder = system + "/class/drm"
        return KernelFiles.names(in: folder).contains { card in
            KernelFiles.text("\(folder)/\(card)/device/vendor") == "0x10de"
                && KernelFiles.text("\(folder)/\(card)/device/power/runtime_status") == "suspended"
        }
    }

    /// Those of NVIDIA; `nil` too where its tool is not there.
    func nvidiaAccelerators() async -> MachineFacts.Memory? {
        await output("nvidia-smi", ["--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits"])
            .flatMap(Self.accelerators(inTable:))
    }

    /// A line for each card, in units of 1,048,576 bytes: `24576, 20000`. Cards that do not tell are left out.
    static func accelerators(inTable text: String) -> MachineFacts.Memory? {
        .sum(
            text.split(whereSeparator: \.isNewline).prefix(64).compactMap { line in
                let cells = line.split(separator: ",").map { Int($0.filter { !$0.isWhitespace }) }
                guard cells.count == 2, let total = cells[0], let free = cells[1], (1...(1 << 40)).contains(total),
                    (0...total).contains(free)
                else { return nil }
                return MachineFacts.Memory(total: total << 20, free: free << 20)
            })
    }

    // MARK: Power

    func battery() async -> MachineFacts.Battery? {
        #if canImport(Darwin)
            return await output("pmset", ["-g", "batt"]).flatMap(Self.battery(inPmset:))
        #else
            let folder = system + "/class/power_supply"
            let own = KernelFiles.names(in: folder).filter { supply in
                // A mouse has a battery too, and says that it is a device.
                KernelFiles.text("\(folder)/\(supply)/type") == "Battery"
                    && KernelFiles.text("\(folder)/\(supply)/scope") != "Device"
            }
            guard !own.isEmpty else { return nil }
            let charges = own.compactMap { KernelFiles.number("\(folder)/\($0)/capacity") }.map { min(max(0, $0), 100) }
            return MachineFacts.Battery(
                isInUse: PowerSource.current(in: folder) == .battery,
                percent: charges.isEmpty ? nil : charges.reduce(0, +) / charges.count)
        #endif
    }

    /// `Now drawing from 'Battery Power'` and `-InternalBattery-0 (id=1)  85%; discharging; 3:10 remaining present: true`.
    static func battery(inPmset text: String) -> MachineFacts.Battery? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let battery = lines.first(where: { $0.contains("InternalBattery") }) else { return nil }
        let percent = battery.split(whereSeparator: \.isWhitespace).first { $0.contains("%") }?.prefix { $0.isNumber }
        return MachineFacts.Battery(
            isInUse: lines.first?.contains("'Battery Power'") ?? false, percent: percent.flatMap { Int($0) })
    }

    /// `nil` on macOS too, where a Mac whose lid is closed sleeps unless a screen is connected.
    func isLidClosed() -> Bool? {
        let folder = processes + "/acpi/button/lid"
        let states = KernelFiles.names(in: folder).compactMap { KernelFiles.text("\(folder)/\($0)/state") }
        return states.isEmpty ? nil : states.contains { $0.hasSuffix("closed") }
    }
}
