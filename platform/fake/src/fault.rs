//! Faults as unwinds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use platform_api::{Fault, FaultKind, Guard, PhysAddr};

/// What a fake fault carries: the address whose access faulted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultMarker(pub PhysAddr);

impl FaultMarker {
    /// Faults at `address`. Silent: the panic hook does not run.
    pub fn raise(address: PhysAddr) -> ! {
        resume_unwind(Box::new(Self(address)))
    }
}

/// Runs the body, and turns a [`FaultMarker`] into [`Fault`]; any other panic goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeGuard;

impl Guard for FakeGuard {
    fn run(&self, body: &mut dyn FnMut()) -> Result<(), Fault> {
        catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
            if payload.is::<FaultMarker>() {
                Fault
            } else {
                resume_unwind(payload)
            }
        })
    }

    /// Raises the fault, whatever its kind.
    fn provoke(&self, _kind: FaultKind) {
        FaultMarker::raise(PhysAddr::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catches_faults_and_nothing_else() {
        let mut ran = false;
        assert_eq!(FakeGuard.run(&mut || ran = true), Ok(()));
        assert!(ran);
        let fault = FakeGuard.run(&mut || FaultMarker::raise(PhysAddr::new(4)));
        assert_eq!(fault, Err(Fault));
        let other = catch_unwind(|| FakeGuard.run(&mut || resume_unwind(Box::new(1))));
        assert!(other.is_err());
    }
}
