// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ReplicatedLog {
    /// What stands in a register, the latest first; several where writers did not know of each other. Of those that one
    /// source wrote only its latest counts, and of equal values the latest.
    package func values(of register: RegisterKey) -> [Operation] {
        let written = (registers[register] ?? []).compactMap(operation).filter { $0.value != nil }
        guard written.count > 1 else { return written }
        var sources: Set<StateSource> = []
        var values: Set<[UInt8]> = []
        return
            written
            .sorted { ($0.time, $0.id) > ($1.time, $1.id) }
            .filter { sources.insert($0.source).inserted }
            .filter { values.insert($0.value ?? []).inserted }
    }

    /// The registers of a kind in which something stands, in no order.
    package func registers(of kind: RegisterKey.Kind) -> [RegisterKey] {
        registers.keys.filter { $0.kind == kind && !values(of: $0).isEmpty }
    }

    /// Everything that is kept, as it is to be stored.
    package var snapshot: LogSnapshot {
        LogSnapshot(
            own: own, operations: logs.keys.sorted().flatMap { logs[$0].map { Array($0.operations(after: 0)) } ?? [] },
            versions: versions, floor: floor)
    }
}
