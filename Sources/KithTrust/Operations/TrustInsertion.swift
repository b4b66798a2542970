// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What became of operations that were offered to a ledger. What is not named here was known already.
package struct TrustInsertion: Sendable {
    package enum Refusal: Hashable, Sendable {
        case unreadable(TrustOperation.Unreadable)
        /// The ledger, or the author's share of it, is full.
        case full
    }

    /// An author stated two things under one number. All ledgers keep the same one of them.
    package struct Equivocation: Hashable, Sendable {
        package let kept: TrustOperation
        package let dropped: TrustOperation
    }

    /// To be stored under author and number, in the place of what may be there.
    package internal(set) var accepted: [SignedOperation] = []
    /// Kept in memory until the operations before them arrive.
    package internal(set) var heldBack = 0
    package internal(set) var refused: [Refusal] = []
    /// A sign of a node that went back to an older state of its database, or of a stolen key.
    package internal(set) var equivocations: [Equivocation] = []
}
