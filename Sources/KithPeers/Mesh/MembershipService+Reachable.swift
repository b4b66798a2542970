// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

extension MembershipService {
    /// The members that take part at the moment.
    var reachable: [NodeID] { snapshot().filter(\.state.isPresent).map(\.id) }
}
