// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension Tier {
    /// Whose node it is and what it may get, in one line.
    package var meaning: String {
        switch self {
        case .kin: "kin: a machine of yours, which may get your prompts"
        case .kith: "kith: somebody else's node, which gets nothing of yours"
        }
    }
}
