//! From statements, manifest and card to nodes and edges.

use modelward_schema::{Chain, Hop, Manifest};

use super::{Edge, History, Node};

/// Roles of inputs that are models; data, code and tools are not drawn.
const MODELS: [&str; 7] = [
    "base", "adapter", "source", "parent", "teacher", "model", "input",
];

impl History {
    /// The artifact, and what the statements that count say of it.
    pub fn new(name: &str, digest: &str, chain: Option<&Chain>) -> Self {
        let mut history = Self {
            nodes: vec![Node {
                name: name.to_owned(),
                digest: Some(digest.to_owned()),
                operation: None,
                at: None,
                recorded_by: None,
                signed_by: Vec::new(),
                here: true,
            }],
            ..Self::default()
        };
        let Some(chain) = chain else { return history };
        history.completeness = Some(chain.completeness);
        history.missing.clone_from(&chain.problems);
        history.custody = chain.custody.clone();
        for hop in &chain.hops {
            let known = history.find(&hop.digest);
            let name = hop.name.clone().unwrap_or_else(|| "unnamed".to_owned());
            let node = Node {
                name: if known == Some(0) {
                    history.nodes[0].name.clone()
                } else {
                    name
                },
                digest: Some(hop.digest.clone()),
                operation: hop.operation.clone(),
                at: hop.at.clone(),
                recorded_by: hop.recorded_by.clone(),
                signed_by: hop.signed_by.clone(),
                here: known == Some(0),
            };
            match known {
                Some(index) => history.nodes[index] = node,
                None => history.nodes.push(node),
            }
        }
        for hop in &chain.hops {
            history.draw_inputs(hop);
        }
        history
    }

    /// The node of these bytes.
    pub fn find(&self, digest: &str) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.digest.as_deref() == Some(digest))
    }

    fn draw_inputs(&mut self, hop: &Hop) {
        let Some(to) = self.find(&hop.digest) else {
            return;
        };
        for input in hop
            .inputs
            .iter()
            .filter(|input| MODELS.contains(&input.role.as_str()))
        {
            let from = match input.digest.as_deref().and_then(|digest| self.find(digest)) {
                Some(from) => from,
                None => self.name_only(input.name.as_deref().unwrap_or("unnamed"), None),
            };
            self.edges.push(Edge {
                from,
                to,
                role: input.role.clone(),
                operation: hop.operation.clone().unwrap_or_default(),
                grade: hop.grade.clone().unwrap_or_else(|| "claimed".to_owned()),
                recomputed: false,
                because: None,
            });
        }
    }

    /// What the manifest says it was made from, unless a record says so already.
    pub fn add_manifest(&mut self, manifest: &Manifest) {
        for parent in &manifest.parents {
            let word = serde_json::to_value(parent.transformation).unwrap_or_default();
            let operation = word.as_str().unwrap_or_default();
            self.add_told(
                0,
                &parent.reference,
                parent.digest.as_deref(),
                operation,
                "manifest",
            );
        }
    }

    /// What a model card or an adapter's configuration names as its base. Such
    /// files are copied along, so it belongs to where the records begin.
    pub fn add_named(&mut self, name: &str) {
        let known = self.nodes.iter().any(|node| same_name(&node.name, name));
        let begins = (0..self.nodes.len())
            .rev()
            .find(|node| self.nodes[*node].digest.is_some() && self.steps_into(*node).count() == 0);
        if let (false, Some(origin)) = (known, begins) {
            self.add_told(origin, name, None, "", "named");
        }
    }

    fn add_told(
        &mut self,
        to: usize,
        name: &str,
        digest: Option<&str>,
        operation: &str,
        role: &str,
    ) {
        let told_already = self.steps_into(to).any(|edge| {
            let node = &self.nodes[edge.from];
            digest.is_some() && node.digest.as_deref() == digest || same_name(&node.name, name)
        });
        if told_already {
            return;
        }
        let from = digest
            .and_then(|digest| self.find(digest))
            .filter(|from| *from != to)
            .unwrap_or_else(|| self.name_only(name, digest));
        self.edges.push(Edge {
            from,
            to,
            role: role.to_owned(),
            operation: operation.to_owned(),
            grade: "claimed".to_owned(),
            recomputed: false,
            because: None,
        });
    }

    /// Bytes that are at hand: the node they are, or a new one that the artifact
    /// is said to be made from.
    pub fn add_present(&mut self, name: &str, digest: &str) -> usize {
        if let Some(known) = self.find(digest) {
            return known;
        }
        let named = self.steps_into(0).find_map(|edge| {
            let node = &self.nodes[edge.from];
            (node.digest.is_none() && same_name(&node.name, name)).then_some(edge.from)
        });
        if let Some(index) = named {
            self.nodes[index].digest = Some(digest.to_owned());
            return index;
        }
        self.add_told(0, name, Some(digest), "", "given");
        self.find(digest).unwrap_or(0)
    }

    fn name_only(&mut self, name: &str, digest: Option<&str>) -> usize {
        self.nodes.push(Node {
            name: name.to_owned(),
            digest: digest.map(str::to_owned),
            operation: None,
            at: None,
            recorded_by: None,
            signed_by: Vec::new(),
            here: false,
        });
        self.nodes.len() - 1
    }
}

/// `hf:acme/base@main`, `acme/base` and `base@1.0.0` name one model.
fn same_name(one: &str, other: &str) -> bool {
    let bare = |name: &str| {
        let name = name.split('@').next().unwrap_or(name);
        let name = name.trim_end_matches('/');
        name.rsplit(['/', ':'])
            .next()
            .unwrap_or(name)
            .to_ascii_lowercase()
    };
    bare(one) == bare(other)
}
