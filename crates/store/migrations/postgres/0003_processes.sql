-- What several processes need to share one node.

-- A change of the fence waits for whoever relies on it (FOR KEY SHARE), and a renewal of the lease does not.
CREATE UNIQUE INDEX node_lease_fence ON node_lease (node, fence);
