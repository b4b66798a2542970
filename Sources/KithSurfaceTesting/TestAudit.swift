// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Keeps every line that was written to it.
package final class TestAudit: AuditTrail {
    private let records = Mutex<[AuditRecord]>([])

    var lines: [AuditRecord] { records.withLock { $0 } }

    package func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String) {
        records.withLock {
            $0.append(AuditRecord(at: .now(), kind: kind, subject: subject, source: source, reason: reason))
        }
    }

    package func count(_ kind: AuditRecord.Kind) -> Int { lines.count { $0.kind == kind } }
}
