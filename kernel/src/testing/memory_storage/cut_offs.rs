//! Cut-offs.

use super::state::{CutOffKey, State};
use crate::record::{CutOff, KeyCutOff, SubjectCutOff, TenantCutOff};

impl State {
    /// Stores a cut-off or raises the one that is there.
    pub(super) fn raise_cut_off(&mut self, cut_off: CutOff) {
        let (key, before, after) = match cut_off {
            CutOff::Subject(cut_off) => self.raise_subject(cut_off),
            CutOff::Tenant(cut_off) => {
                let key = CutOffKey::Tenant(cut_off.tenant.clone());
                let place = &mut self.tenant_mut(&cut_off.tenant).cut_off;
                let before = place.as_ref().map(|known| known.forget_at);
                let known = place.get_or_insert_with(|| cut_off.clone());
                raise_tenant(known, &cut_off);
                (key, before, known.forget_at)
            }
            CutOff::Key(cut_off) => {
                let key = CutOffKey::Key(cut_off.kid.clone());
                let before = self.keys.get(&cut_off.kid).map(|known| known.forget_at);
                let known = self
                    .keys
                    .entry(cut_off.kid.clone())
                    .or_insert_with(|| cut_off.clone());
                raise_key(known, &cut_off);
                (key, before, known.forget_at)
            }
        };
        if let Some(before) = before {
            self.cut_off_ends.remove(&(before, key.clone()));
        }
        self.cut_off_ends.insert((after, key));
    }

    fn raise_subject(&mut self, cut_off: SubjectCutOff) -> (CutOffKey, Option<u64>, u64) {
        let key = CutOffKey::Subject(
            cut_off.tenant.clone(),
            cut_off.subject.clone(),
            cut_off.purpose.clone(),
        );
        let subject = self.subject_mut(&cut_off.tenant, &cut_off.subject);
        subject.epoch = subject.epoch.max(cut_off.below);
        let before = subject
            .cut_offs
            .get(&cut_off.purpose)
            .map(|known| known.forget_at);
        let known = subject
            .cut_offs
            .entry(cut_off.purpose.clone())
            .or_insert_with(|| cut_off.clone());
        known.forget_at = known.forget_at.max(cut_off.forget_at);
        if cut_off.below > known.below {
            known.below = cut_off.below;
            known.spared = cut_off.spared;
        }
        (key, before, known.forget_at)
    }
}

fn raise_tenant(known: &mut TenantCutOff, new: &TenantCutOff) {
    known.at = known.at.max(new.at);
    known.forget_at = known.forget_at.max(new.forget_at);
}

fn raise_key(known: &mut KeyCutOff, new: &KeyCutOff) {
    known.at = known.at.max(new.at);
    known.forget_at = known.forget_at.max(new.forget_at);
}
