// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension StateMessage.ContextEntry {
    init(_ entry: ContextEntry, names: NodeNames) {
        self.init(
            key: entry.key, isConflict: entry.isConflict,
            values: entry.values.map { StateMessage.ContextValue($0, names: names) })
    }
}

extension StateMessage.ContextValue {
    init(_ value: ContextEntry.Value, names: NodeNames) {
        self.init(
            value: value.value, source: value.source.text, sourceName: names.name(of: value.source),
            writtenAt: value.writtenAt.rfc3339, node: names.text(for: value.writtenBy))
    }
}

extension StateMessage.Level {
    init(_ entry: LevelEntry, names: NodeNames) {
        self.init(
            source: entry.source.text, name: names.name(of: entry.source), level: entry.level,
            writtenAt: entry.writtenAt.rfc3339, node: names.text(for: entry.writtenBy))
    }
}
