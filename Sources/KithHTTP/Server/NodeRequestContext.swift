// SPDX-License-Identifier: Apache-2.0

package import Hummingbird

/// What goes with a request on a node's listener.
package struct NodeRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}
