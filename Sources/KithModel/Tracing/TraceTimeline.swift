// SPDX-License-Identifier: Apache-2.0

/// One request across machines: the spans of all nodes as a tree on one line of time.
///
/// Clocks of machines differ, so another node's times are used only among themselves. Where it was asked is known: in the
/// span of the asking node that its first span names as its parent. It is put into the middle of that, as the ways there
/// and back are about as long.
package struct TraceTimeline: Sendable {
    package struct Row: Hashable, Sendable {
        package var node: String
        package var span: SpanSnapshot
        /// How deep in the tree; 0 for a span whose parent is not known.
        package var depth: Int
        /// Nanoseconds after the first span began.
        package var start: Int64
    }

    /// In the order of the tree, siblings by their beginning.
    package private(set) var rows: [Row] = []

    /// Spans that are shown.
    package static let limit = 2_048

    private struct Entry {
        var node: String
        var span: SpanSnapshot
        var start: Int64
    }

    /// - Parameter nodes: What each node told, the asked one first.
    package init(_ nodes: [(node: String, spans: [SpanSnapshot])]) {
        var entries: [SpanID: Entry] = [:]
        var order: [SpanID] = []
        for (node, spans) in nodes {
            for span in spans where order.count < Self.limit && entries[span.id] == nil {
                entries[span.id] = Entry(node: node, span: span, start: span.began)
                order.append(span.id)
            }
        }
        var children: [SpanID: [SpanID]] = [:]
        var roots: [SpanID] = []
        for id in order {
            // A parent that is not known is the client's span, or one of a node that is missing.
            if let parent = entries[id]?.span.parent, parent != id, entries[parent] != nil {
                children[parent, default: []].append(id)
            } else {
                roots.append(id)
            }
        }
        var placed: Set<SpanID> = []
        for root in roots { place(root, 0, &entries, children, &placed) }
        rows = ordered(roots: roots, children, entries)
        // Roots of different nodes have no common clock; each begins where its own says.
        let first = rows.map(\.start).min() ?? 0
        for index in rows.indices { rows[index].start &-= first }
    }

    /// Puts the spans below one on its line of time. Each is visited once, also where ids form a circle.
    private func place(
        _ root: SpanID, _ shift: Int64, _ entries: inout [SpanID: Entry], _ children: [SpanID: [SpanID]],
        _ placed: inout Set<SpanID>
    ) {
        var waiting = [(root, shift)]
        while let (id, shift) = waiting.popLast() {
            guard placed.insert(id).inserted, let entry = entries[id] else { continue }
            let start = entry.span.began &+ shift
            entries[id]?.start = start
            for child in children[id] ?? [] {
                guard let below = entries[child] else { continue }
                guard below.node != entry.node else {
                    waiting.append((child, shift))
                    continue
                }
                let slack = max(0, entry.span.duration - below.span.duration)
                waiting.append((child, start &+ slack / 2 &- below.span.began))
            }
        }
    }

    private func ordered(
        roots: [SpanID], _ children: [SpanID: [SpanID]], _ entries: [SpanID: Entry]
    ) -> [Row] {
        func sorted(_ ids: [SpanID]) -> [SpanID] {
            ids.sorted { (entries[$0]?.start ?? 0, $0.rawValue) < (entries[$1]?.start ?? 0, $1.rawValue) }
        }
        var rows: [Row] = []
        var seen: Set<SpanID> = []
        var waiting = sorted(roots).reversed().map { ($0, 0) }
        while let (id, depth) = waiting.popLast() {
            guard seen.insert(id).inserted, let entry = entries[id] else { continue }
            rows.append(Row(node: entry.node, span: entry.span, depth: depth, start: entry.start))
            waiting += sorted(children[id] ?? []).reversed().map { ($0, depth + 1) }
        }
        return rows
    }
}
