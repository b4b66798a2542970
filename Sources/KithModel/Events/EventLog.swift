// SPDX-License-Identifier: Apache-2.0

/// The last events of a node in their order, each with a number. A pure value, bounded by count and bytes.
struct EventLog: Sendable {
    static let countLimit = 4_096
    /// Of the events as JSON.
    static let byteLimit = 2 << 20

    private struct Entry: Sendable {
        /// `nil` for a mark, which stands for whatever nobody wanted to know.
        let event: NodeEvent?
        let bytes: Int
    }

    private let countLimit: Int
    private let byteLimit: Int
    private var entries: [Entry] = []
    /// Of the entries, how many at the beginning are forgotten and wait to be removed together.
    private var forgotten = 0
    private var bytes = 0
    /// The number of the last one; 0 before the first.
    private(set) var last: UInt64 = 0

    init(countLimit: Int = EventLog.countLimit, byteLimit: Int = EventLog.byteLimit) {
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    /// Those that are kept.
    var count: Int { entries.count - forgotten }

    mutating func append(_ event: NodeEvent) {
        append(Entry(event: event, bytes: event.fields.jsonBytes.count))
    }

    /// From here on events are wanted that were not before.
    mutating func mark() { append(Entry(event: nil, bytes: 0)) }

    private mutating func append(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.bytes
        last += 1
        while count > countLimit || bytes > byteLimit && count > 1 {
            bytes -= entries[forgotten].bytes
            entries[forgotten] = Entry(event: nil, bytes: 0)
            forgotten += 1
        }
        // All at once, so that each costs little.
        if forgotten > countLimit {
            entries.removeFirst(forgotten)
            forgotten = 0
        }
    }

    /// What came after a number.
    struct Reading {
        var events: [(number: UInt64, event: NodeEvent)] = []
        /// The number to go on after.
        var last: UInt64
        /// Whether some of them are not kept any more.
        var isBroken = false
    }

    /// - Parameter limit: Most events to read.
    func read(after number: UInt64, kinds: Set<NodeEvent.Kind>, limit: Int) -> Reading {
        guard number < last else { return Reading(last: number) }
        var reading = Reading(last: number)
        let oldest = last - UInt64(count)
        if number < oldest {
            reading.isBroken = true
            reading.last = oldest
        }
        while reading.last < last, reading.events.count < limit {
            reading.last += 1
            let entry = entries[entries.count - 1 - Int(last - reading.last)]
            if let event = entry.event, kinds.contains(event.kind) { reading.events.append((reading.last, event)) }
        }
        return reading
    }
}
